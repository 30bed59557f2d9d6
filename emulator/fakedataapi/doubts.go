package fakedataapi

import "example.com/evstream/emulator/doubt"

// The doubts about the Data API, by the names of their switches.
const (
	missingSession  = "missing-session"
	tokenOrder      = "token-order"
	batchParameters = "batch-parameters"
)

// Doubts lists what no source settles about the Data API. [WithReadings] answers them.
func Doubts() doubt.List {
	return doubt.List{
		{
			Name:     missingSession,
			Question: "Which code does a call get that names a session that is gone, or never was?",
			Answers: []doubt.Answer{
				{Name: "invalid", Meaning: "`ValidationException`", Source: "awslabs/mcp#4587, of a provisioned cluster"},
				{Name: "not-found", Meaning: "`ResourceNotFoundException`", Source: "what `ListSessions` gives, awslabs/mcp#4587"},
			},
			Advice: "Take either for the session's end.",
		},
		{
			Name:     tokenOrder,
			Question: "Is a call's client token looked up before its session?",
			Answers: []doubt.Answer{
				{Name: "token-first", Meaning: "the call gets its statement again, though its session is gone", Source: "no source"},
				{Name: "session-first", Meaning: "the call is refused", Source: "no source"},
			},
			Advice: "Do not send a statement again whose first answer was lost: it may run.",
		},
		{
			Name:     batchParameters,
			Question: "Has each statement of a batch to use every parameter that they share?",
			Answers: []doubt.Answer{
				{Name: "any", Meaning: "one of them has to", Source: "no source; the service model says that they are shared across all statements"},
				{Name: "each", Meaning: "a statement that does not is refused", Source: "no source"},
			},
			Advice: "Use every parameter in every statement of the batch, or write the values into them.",
		},
	}
}

// WithReadings sets answers to [Doubts] other than the defaults.
func WithReadings(r doubt.Readings) Option { return func(s *Server) { s.readings = r } }

// reads says whether a doubt is read in one way.
func (s *Server) reads(name, answer string) bool { return Doubts().Answer(s.readings, name) == answer }
