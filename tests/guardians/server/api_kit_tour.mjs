// What a wallet built on api-kit and protocol-kit does, step by step; prints what it was told as one line of JSON.
import ApiKit from '@safe-global/api-kit'
import ProtocolKit from '@safe-global/protocol-kit'
import { createPublicClient, createWalletClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

const { service, rpc, safe, payee, contracts, agent, ines, jonas } = JSON.parse(process.argv[2])
const SafeApiKit = ApiKit.default ?? ApiKit
const Safe = ProtocolKit.default ?? ProtocolKit

const api = new SafeApiKit({ chainId: 31337n, txServiceUrl: `${service}/api` })
const kit = ({ key }) =>
  Safe.init({ provider: rpc, signer: key, safeAddress: safe, contractNetworks: { 31337: contracts } })
const wallet = ({ key }) =>
  createWalletClient({ account: privateKeyToAccount(key), chain: foundry, transport: http(rpc) })
const told = {}

told.about = (await api.getServiceInfo()).name
told.threshold = (await api.getSafeInfo(safe)).threshold
const delegation = { delegateAddress: agent.address, delegatorAddress: ines.address, signer: wallet(ines) }
await api.addSafeDelegate({ ...delegation, safeAddress: safe, label: 'agent' })
told.delegates = (await api.getSafeDelegates({ safeAddress: safe })).results.map((row) => row.delegate)

told.nonceBefore = await api.getNextNonce(safe)
const agentKit = await kit(agent)
const transaction = await agentKit.createTransaction({ transactions: [{ to: payee, value: '5', data: '0x' }] })
const hash = await agentKit.getTransactionHash(transaction)
await api.proposeTransaction({
  safeAddress: safe,
  safeTransactionData: transaction.data,
  safeTxHash: hash,
  senderAddress: agent.address,
  senderSignature: (await agentKit.signTypedData(transaction)).data,
  origin: 'tour'
})
told.nonceAfter = await api.getNextNonce(safe)
told.pending = (await api.getPendingTransactions(safe)).results.map((row) => [
  row.proposer,
  row.proposedByDelegate,
  row.confirmations.length
])

for (const guardian of [ines, jonas]) {
  await api.confirmTransaction(hash, (await (await kit(guardian)).signHash(hash)).data)
}
told.confirmations = (await api.getTransactionConfirmations(hash)).results.map((row) => row.owner).sort()
const mined = await (await kit(ines)).executeTransaction(await api.getTransaction(hash))
await createPublicClient({ chain: foundry, transport: http(rpc), pollingInterval: 20 }).waitForTransactionReceipt(mined)
const executed = await api.getTransaction(hash)
told.executed = [executed.isExecuted, executed.isSuccessful, executed.transactionHash === mined.hash]

told.safes = (await api.getSafesByOwner(ines.address)).safes
const words = [payee.slice(2), '1'].map((word) => word.padStart(64, '0'))
told.decoded = (await api.decodeData(`0xa9059cbb${words.join('')}`)).method
await api.estimateSafeTransaction(safe, { to: payee, value: '1', data: '0x', operation: 0 })
await api.removeSafeDelegate(delegation)
told.delegatesLeft = (await api.getSafeDelegates({ safeAddress: safe })).count
told.unknown = await api.getTransaction(`0x${'00'.repeat(32)}`).catch((error) => error.message)

console.log(JSON.stringify(told))
process.exit(0)
