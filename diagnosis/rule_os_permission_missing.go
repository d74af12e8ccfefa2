package diagnosis

func osPermission(*Fold) []Finding { return nil }
