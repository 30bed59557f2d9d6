package awsjson

import (
	"fmt"
	"strconv"
	"strings"
)

// Page cuts a list for an answer: at most size items, or usual ones unless size is given,
// from where the token of the page before says. The next token is "" at the end.
func Page[T any](all []T, size *int, usual int, token string) (page []T, next string, err error) {
	if size != nil && *size > 0 {
		usual = *size
	}
	from := 0
	if token != "" {
		text, ok := strings.CutPrefix(token, "from-")
		if from, err = strconv.Atoi(text); err != nil || !ok || from < 0 {
			return nil, "", fmt.Errorf("the token %q is none of the emulator's", token)
		}
	}
	from = min(from, len(all))
	to := min(from+usual, len(all))
	if to < len(all) {
		next = fmt.Sprintf("from-%d", to)
	}
	return all[from:to], next, nil
}
