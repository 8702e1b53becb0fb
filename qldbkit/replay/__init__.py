"""Putting a journal into a destination: exactly once, in order, and verifiably.

Records are read (`intake`), gathered into blocks (`gathering`), put in order (`settle`), turned
into steps (`plan`), laid into destination transactions (`units`), decided against what the
destination holds (`changes`) and written (`destination`, `ledger_destination`). `replayer` drives
these; `lambda_entry` is what the deployed functions call.
"""
