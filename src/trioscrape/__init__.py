"""Takes feeds through four separately bounded lanes – DNS, HTTP, parsing, database – into a store."""
