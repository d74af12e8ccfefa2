package diagnosis_test

import (
	"testing"

	"github.com/icescope/icescope/diagnosis"
)

// BenchmarkDiagnose folds and diagnoses a whole recording of the lab: what icescope diagnose does.
func BenchmarkDiagnose(b *testing.B) {
	for _, s := range stories(b) {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				diagnosis.Diagnose(s.recording)
			}
			b.ReportMetric(float64(len(s.recording)), "events")
		})
	}
}

// BenchmarkSnapshot diagnoses a picture that is there already: what a room does after each change.
func BenchmarkSnapshot(b *testing.B) {
	for _, s := range stories(b) {
		b.Run(s.name, func(b *testing.B) {
			f := diagnosis.NewFold()
			for i := range s.recording {
				f.Add(&s.recording[i])
			}
			for b.Loop() {
				f.Diagnose()
			}
		})
	}
}
