// Exact-in quotes by Uniswap's own SDK under node: a pool and orders on stdin, outputs and times on stdout.
const { createRequire } = require("module");
const fs = require("fs");
const load = createRequire(process.argv[2] + "/");
const { Pool, Tick } = load("@uniswap/v3-sdk");
const { Token, CurrencyAmount } = load("@uniswap/sdk-core");

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const [sold, bought] = ["a", "b"].map((digit) => new Token(1, "0x" + "0".repeat(39) + digit, 18));
const ticks = asked.pool.ticks.map(
  ([index, net]) => new Tick({ index, liquidityNet: net, liquidityGross: net.replace("-", "") }),
);
const { fee_pips, sqrt_price_x96, liquidity, tick } = asked.pool;
const pool = new Pool(sold, bought, fee_pips, sqrt_price_x96, liquidity, tick, ticks);

async function measure(orders) {
  const amounts = orders.map((units) => CurrencyAmount.fromRawAmount(sold, units));
  const outs = [], seconds = [];
  for (const amount of amounts) outs.push((await pool.getOutputAmount(amount))[0].quotient.toString());
  for (let round = 0; round < asked.rounds; round++) {
    const began = process.cpuUsage();
    for (const amount of amounts) await pool.getOutputAmount(amount);
    const { user, system } = process.cpuUsage(began);
    seconds.push((user + system) / 1e6);
  }
  return { outs, seconds };
}

(async () => {
  const found = { version: JSON.parse(fs.readFileSync(process.argv[2] + "/node_modules/@uniswap/v3-sdk/package.json")).version };
  for (const [name, orders] of Object.entries(asked.orders)) found[name] = await measure(orders);
  console.log(JSON.stringify(found));
})();
