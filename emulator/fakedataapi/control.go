package fakedataapi

import "example.com/evstream/emulator/fault"

// What a test says about requests; see package fault.
type (
	Error   = fault.Error
	Call    = fault.Call
	Fault   = fault.Fault
	Outcome = fault.Outcome
)

// Running as an outcome's status keeps a statement STARTED until it is cancelled.
const Running = fault.Running
