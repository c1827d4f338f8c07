"""Who may call, and how much: keys, hosts, origins, sizes, rates."""
