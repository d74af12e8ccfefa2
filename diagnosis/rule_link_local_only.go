package diagnosis

func linkLocalOnly(*Fold) []Finding { return nil }
