//go:build race

package diagnosis_test

func init() { lastingStep = 16 }
