"""Views of the journal: what is deployed for each kind besides the ledger, if the settings say so.

A kind has a module with a construct that keeps `stacks.views.store.ViewStore`'s contract, and a
row in `stacks.views.journal_views.STORES`.
"""
