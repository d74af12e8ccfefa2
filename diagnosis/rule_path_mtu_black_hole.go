package diagnosis

func pathMTUBlackHole(*Fold) []Finding { return nil }
