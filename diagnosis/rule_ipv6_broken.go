package diagnosis

func ipv6Broken(*Fold) []Finding { return nil }
