package diagnosis

func relayCannotReach(*Fold) []Finding { return nil }
