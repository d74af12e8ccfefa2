package diagnosis

func slowFirstPacket(*Fold) []Finding { return nil }
