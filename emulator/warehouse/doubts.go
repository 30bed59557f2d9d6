package warehouse

import (
	_ "embed"
	"sync"

	"example.com/evstream/emulator/doubt"
)

// The doubts about what SQL means in Redshift, by the names of their switches.
const (
	decimalCasts   = "decimal-casts"
	floatCasts     = "float-casts"
	superNumbers   = "super-numbers"
	superOverflow  = "super-overflow"
	superTexts     = "super-texts"
	superLongTexts = "super-long-texts"
	numberTexts    = "number-texts"
	tryCastBlank   = "try-cast-blank"
	tryCastDate    = "try-cast-date"
	missingTypeof  = "missing-typeof"
	nulEscapes     = "nul-escapes"
	halfSurrogates = "half-surrogates"
	longTexts      = "long-texts"
	hugeNumbers    = "huge-numbers"
	invalidUTF8    = "invalid-utf8"
	recordSize     = "record-size"
	trailingBlanks = "trailing-blanks"
	lineEnds       = "line-ends"
	andOrder       = "and-order"
	currentUser    = "current-user"

	streamsInTransactions = "streams-in-transactions"
)

//go:embed doubts.json
var doubtsJSON []byte

// Doubts lists what no source settles about SQL in Redshift. [Options] has a reading of
// each.
var Doubts = sync.OnceValue(func() doubt.List { return doubt.MustLoad(doubtsJSON) })
