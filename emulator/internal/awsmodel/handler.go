package awsmodel

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Checked is a service's handler whose traffic is held against the model: each answer, and
// each request that is answered with a success. Each answer must be written at once.
func (s *Service) Checked(h http.Handler, report func(problem string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), s.Target+".")
		request, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(request))
		h.ServeHTTP(&checkedWriter{ResponseWriter: w, check: func(status int, answer []byte) {
			if status != http.StatusOK {
				if err := s.Error(operation, answer); err != nil {
					report(fmt.Sprintf("%s %.300s\nis answered with an error that the model does not have: %v", operation, request, err))
				}
				return
			}
			if err := s.Request(operation, request); err != nil {
				report(fmt.Sprintf("%s %.300s\nis accepted, and breaks the model: %v", operation, request, err))
			}
			if err := s.Answer(operation, answer); err != nil {
				report(fmt.Sprintf("%s %.300s\nis answered with %.300s, which breaks the model: %v", operation, request, answer, err))
			}
		}}, r)
	})
}

type checkedWriter struct {
	http.ResponseWriter
	status int
	check  func(status int, answer []byte)
}

func (w *checkedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *checkedWriter) Write(answer []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if strings.Contains(w.Header().Get("Content-Type"), "json") { // not what a page in a browser is told
		w.check(w.status, answer)
	}
	return w.ResponseWriter.Write(answer)
}
