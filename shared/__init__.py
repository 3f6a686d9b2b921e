"""The core of the function app: events are hints, the ledger is the state, two functions decide.

A *fact* is something that happened to a model; `evolve(state, fact)` learns from it. An *effect* is
something to be done; `next_step(state, policy, now_utc)` says which fact or effect follows. Both
are pure: no clock, no I/O, no SDK. The ledger commits facts, their keys and the due effects in one
transaction, so that an event that comes twice, late or never changes nothing in the end.

The layers, each of which may import from those below it only:

    adapters, wire, settings   Azure's services, Event Grid's payloads, the app's environment
    usecases                   record a fact, perform an effect, reconcile, explain, request
    ports                      what the use cases need from outside, as protocols
    domain                     facts, effects, evolve, decide, and the sentences people read
    errors, logs               what the caller should do about a failure; one line per event

`functions/` holds the triggers: each parses, calls one use case and maps errors. Every port has an
in-memory fake in `adapters/in_memory` that passes the contract suite of the real adapter, so the
whole app runs in one process on a simulated clock.
"""
