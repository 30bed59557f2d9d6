package awsjson

import (
	"slices"
	"testing"
)

func TestPage(t *testing.T) {
	all, two := []int{1, 2, 3}, 2
	first, next, err := Page(all, &two, 100, "")
	if err != nil || !slices.Equal(first, []int{1, 2}) || next == "" {
		t.Errorf("the first page is %v, the token %q, the error %v", first, next, err)
	}
	second, end, err := Page(all, nil, 100, next)
	if err != nil || !slices.Equal(second, []int{3}) || end != "" {
		t.Errorf("the second page is %v, the token %q, the error %v", second, end, err)
	}
	for _, token := range []string{"garbage", "from-", "from--1"} {
		if _, _, err := Page(all, nil, 100, token); err == nil {
			t.Errorf("the token %q is taken", token)
		}
	}
}
