package session

import "github.com/icescope/icescope/diagnosis"

// Amend lets a test add to what is diagnosed, for instance an experiment that no rule asks for yet. It is to be called before the first room is made.
func (c *Conductor) Amend(f func(*diagnosis.Diagnosis)) { c.amend = f }
