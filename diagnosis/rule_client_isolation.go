package diagnosis

func clientIsolation(*Fold) []Finding { return nil }
