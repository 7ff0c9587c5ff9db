package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// defineCurls adds what curl has for bodies of forms, and what stands in command lines for it and changes nothing about the request.
func (f *hitFlags) defineCurls(flags *pflag.FlagSet) {
	flags.Var(dataFlag{dataEncoded, &f.data}, dataEncoded, "the same, with content or name=content escaped as in a URL; @file and name@file take it from a file")
	flags.StringArrayVarP(&f.form, "form", "F", nil, "`part` of a multipart form: name=text, name=@file, name=<file, with ;type= and ;filename= after it")
	flags.StringVarP(&f.upload, "upload-file", "T", "", "PUT with the content of a `file`, whose name a URL that ends with / gets")
	flags.StringArrayVar(&f.urls, "url", nil, "the `URL`, in place of the argument")
	flags.StringP("range", "r", "", "`bytes` of a header Range: 0-99")
	flags.String("oauth2-bearer", "", "`token` of a header Authorization: Bearer")
	flags.FuncP("max-time", "m", "the same as --timeout, in `seconds`", func(s string) error { return flags.Set("timeout", s+"s") })
	for _, ignored := range []struct{ name, short string }{
		{"silent", "s"}, {"show-error", "S"}, {"verbose", "v"}, {"include", "i"}, {"fail", "f"}, {"globoff", "g"}, {"no-buffer", "N"}, {"progress-bar", "#"},
		{"no-progress-meter", ""}, {"path-as-is", ""}, {"http1.1", ""}, {"no-keepalive", ""}, {"fail-with-body", ""}, {"basic", ""}, {"tcp-nodelay", ""},
	} {
		flags.BoolP(ignored.name, ignored.short, false, "")
		_ = flags.MarkHidden(ignored.name) // fails for no flag that there is
	}
	for _, ignored := range []struct{ name, short string }{{"output", "o"}, {"write-out", "w"}} {
		flags.StringP(ignored.name, ignored.short, "", "")
		_ = flags.MarkHidden(ignored.name) // as above
	}
}

// encoded returns what --data-urlencode makes of its value: the part before the first = or @ is a name, which is not escaped.
func (f *hitFlags) encoded(text string) (string, error) {
	i := strings.IndexAny(text, "=@")
	if i < 0 {
		return url.QueryEscape(text), nil
	}
	name, content := text[:i], text[i+1:]
	if text[i] == '@' {
		var err error
		if content, err = f.read(content); err != nil {
			return "", fmt.Errorf("--%s %s: %w", dataEncoded, text, err)
		}
	}
	if name == "" {
		return url.QueryEscape(content), nil
	}
	return name + "=" + url.QueryEscape(content), nil
}

// multipart returns the body of --form, and its type. The boundary follows from the parts, so that a run sends the same bytes as another.
func (f *hitFlags) multipart() (body, contentType string, err error) {
	if len(f.data) > 0 || f.get || f.head {
		return "", "", errors.New("--form goes with no other body, nor with --get or --head")
	}
	sum := fnv.New64a()
	var parts []formPart
	for _, text := range f.form {
		p, err := f.part(text)
		if err != nil {
			return "", "", fmt.Errorf("--form %s: %w", text, err)
		}
		fmt.Fprintf(sum, "%q", p.content)
		parts = append(parts, p)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err = w.SetBoundary(fmt.Sprintf("------------------------%016x", sum.Sum64()))
	for _, p := range parts {
		part, failed := w.CreatePart(p.header)
		if err = cmp.Or(err, failed); err == nil {
			_, err = part.Write([]byte(p.content))
		}
	}
	return b.String(), w.FormDataContentType(), cmp.Or(err, w.Close())
}

// formPart is a part of a multipart form.
type formPart struct {
	header  textproto.MIMEHeader
	content string
}

// part reads a value of --form.
func (f *hitFlags) part(text string) (formPart, error) {
	name, content, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return formPart{}, errors.New("want name=text, name=@file or name=<file")
	}
	content, options, _ := strings.Cut(content, ";")
	if !strings.HasPrefix(options, "type=") && !strings.HasPrefix(options, "filename=") && options != "" {
		content, options = content+";"+options, "" // of the text
	}
	file, kind := "", ""
	for option := range strings.SplitSeq(options, ";") {
		switch key, value, _ := strings.Cut(option, "="); key {
		case "type":
			kind = value
		case "filename":
			file = unquoted(value)
		case "":
		default:
			return formPart{}, fmt.Errorf("unknown ;%s: type and filename are known", key)
		}
	}
	if content = unquoted(content); strings.HasPrefix(content, "@") || strings.HasPrefix(content, "<") {
		path := unquoted(content[1:])
		if content[0] == '@' {
			file, kind = cmp.Or(file, filepath.Base(path)), cmp.Or(kind, mime.TypeByExtension(filepath.Ext(path)), "application/octet-stream")
		}
		var err error
		if content, err = f.read(path); err != nil {
			return formPart{}, err
		}
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace
	disposition := fmt.Sprintf(`form-data; name="%s"`, quote(name))
	if file != "" {
		disposition += fmt.Sprintf(`; filename="%s"`, quote(file))
	}
	header := textproto.MIMEHeader{"Content-Disposition": {disposition}}
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	return formPart{header, content}, nil
}

// unquoted is a text without the quotes round it.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
