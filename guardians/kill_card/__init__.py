"""`strongroom kill-card`: a page for paper that stops everything, with any wallet and with this code deleted.

cards    what can be done: plain steps with target and calldata, and who may take them
reading  a treasury's card, with addresses, modules and delegates as chain and service have them now
wording  what the card says in each of its forms
paper    the card as text of 80 columns for one A4 page, and as JSON
sheet    the card as a page to print: what stops everything largest and first
"""
