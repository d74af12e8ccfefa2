package diagnosis

func overlappingSubnets(*Fold) []Finding { return nil }
