package main

import (
	"io"
	"unicode/utf8"
)

// maxLine is the length in bytes after which a line is folded. Pulumi's command
// provider stops reading at a line of 64 KiB, and the command then hangs.
const maxLine = 1000

// A folder breaks long lines on their way to a writer.
type folder struct {
	to     io.Writer
	length int // of the line so far
}

func (f *folder) Write(p []byte) (int, error) {
	folded := make([]byte, 0, len(p)+len(p)/maxLine)
	for _, b := range p {
		switch {
		case b == '\n':
			f.length = -1
		case f.length >= maxLine && utf8.RuneStart(b):
			folded = append(folded, '\n')
			f.length = 0
		}
		folded = append(folded, b)
		f.length++
	}
	if _, err := f.to.Write(folded); err != nil {
		return 0, err
	}
	return len(p), nil
}
