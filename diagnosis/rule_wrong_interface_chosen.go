package diagnosis

func wrongInterface(*Fold) []Finding { return nil }
