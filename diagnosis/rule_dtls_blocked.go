package diagnosis

func dtlsBlocked(*Fold) []Finding { return nil }
