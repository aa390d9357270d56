"""Whether this installation is ours alone, and the state folder private."""

from __future__ import annotations

import fcntl
import stat

from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from agent.state_folder import StateFolder, holder
from strongroom.installation import PACKAGES, require_own_packages

_PRIVATE = 0o700


def packages(_: Premises) -> Result:
    require_own_packages()
    return ok(f"nobody else owns {', '.join(PACKAGES)}")


def state_folder(premises: Premises) -> Result:
    """Absent (the first run makes it), or for this user only and free."""
    folder = premises.state_folder
    if not folder.path.exists():
        return ok("not there yet; the first run makes it")
    mode = stat.S_IMODE(folder.path.stat().st_mode)
    if mode != _PRIVATE:
        return fail(f"`{folder.path}` has mode {mode:o}: others can read or change it", f"chmod 700 {folder.path}")
    if _held(folder):
        return warn(f"process `{holder(folder)}` holds it", "nothing, if that is `strongroom run`; else stop it")
    return ok(f"`{folder.path}` is private and free")


def _held(folder: StateFolder) -> bool:
    try:
        with folder.lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
