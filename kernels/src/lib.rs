//! Numbers in, numbers out: scalar functions whose bits are the same on every machine.
