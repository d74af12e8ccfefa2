package diagnosis

func relayUnusable(*Fold) []Finding { return nil }
