package diagnosis

func iceTCPImpossible(*Fold) []Finding { return nil }
