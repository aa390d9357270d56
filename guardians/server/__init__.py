"""A Safe Transaction Service: keeps proposals, confirmations and delegates; everything else it reads from the chain.

Clients written for the public service work against it unmodified. It holds no key and decides nothing: owners,
thresholds, nonces and executions come from the chain at every request, and whoever reads from it recomputes the hashes.
"""
