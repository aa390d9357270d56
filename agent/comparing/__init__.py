"""Documents against chain, one contract at a time: what each must hold, and what it does hold."""
