package ci_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// forge is a pull request and its comments, as GitHub and GitLab have them.
type forge struct {
	Number   int       `json:"number"`
	Head     head      `json:"head"`
	Comments []comment `json:"comments"`
}

type head struct {
	SHA  string `json:"sha"`
	Ref  string `json:"ref"`
	Repo struct {
		Name string `json:"full_name"`
	} `json:"repo"`
}

// comment has its author by the names of both forges.
type comment struct {
	ID   int    `json:"id"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
	Author struct {
		ID int `json:"id"`
	} `json:"author"`
}

const (
	bot   = "github-actions[bot]"
	botID = 5 // of the token on GitLab
)

func by(login string, author, id int, body string) comment {
	c := comment{ID: id, Body: body}
	c.User.Login, c.Author.ID = login, author
	return c
}

func readForge(state string) (f forge, err error) {
	data, err := os.ReadFile(filepath.Join(state, "forge.json"))
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(data, &f)
}

func (f forge) write(state string) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(state, "forge.json"), data, 0o600)
}

// comments returns those that there are.
func comments(t *testing.T, state string) []comment {
	t.Helper()
	f, err := readForge(state)
	if err != nil {
		t.Fatal(err)
	}
	return f.Comments
}

// put writes a comment over that of the identifier, or a new one if it is 0.
func (f *forge) put(id int, body string) error {
	if id == 0 {
		f.Comments = append(f.Comments, by(bot, botID, 1000+len(f.Comments), body))
		return nil
	}
	for i, c := range f.Comments {
		if c.ID == id && c.User.Login == bot {
			f.Comments[i].Body = body
			return nil
		}
	}
	return fmt.Errorf("403: comment %d is not the token's", id)
}

// answer writes JSON, or what the expression makes of it.
func answer(v any, expr string) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if expr == "" {
		fmt.Println(string(data))
		return nil
	}
	return query(expr, data, true, nil, nil)
}

// gh is gh api, of the repository o/r.
func gh(state string, args []string) error {
	flags := pflag.NewFlagSet("gh", pflag.ContinueOnError)
	method, expr := flags.String("method", "GET", ""), flags.String("jq", "", "")
	field := flags.StringP("field", "F", "", "")
	flags.Bool("paginate", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 || flags.Arg(0) != "api" || os.Getenv("GH_TOKEN") == "" {
		return fmt.Errorf("got %q, token %q", args, os.Getenv("GH_TOKEN"))
	}
	f, err := readForge(state)
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(flags.Arg(1), "repos/o/r/")
	number := strconv.Itoa(f.Number)
	switch {
	case ok && *method == "GET" && path == "pulls/"+number:
		return answer(f, *expr)
	case ok && *method == "GET" && path == "issues/"+number+"/comments?per_page=100":
		return answer(f.Comments, *expr)
	case ok && *method == "POST" && path == "issues/"+number+"/comments":
		path = "issues/comments/0"
	case !ok || *method != "PATCH" || !strings.HasPrefix(path, "issues/comments/"):
		fmt.Fprintln(os.Stderr, "gh: Not Found (HTTP 404)")
		return exit(1)
	}
	id, err := strconv.Atoi(strings.TrimPrefix(path, "issues/comments/"))
	if err != nil {
		return err
	}
	body, err := fromFile(*field)
	if err != nil {
		return err
	}
	if err := f.put(id, body); err != nil {
		return err
	}
	return f.write(state)
}

// fromFile is the content of the file of body=@FILE.
func fromFile(field string) (string, error) {
	file, ok := strings.CutPrefix(strings.Replace(field, "body@", "body=@", 1), "body=@")
	if !ok {
		return "", fmt.Errorf("got the field %q", field)
	}
	data, err := os.ReadFile(file)
	return string(data), err
}

// curl is that of GitLab's notes.
func curl(state string, args []string) error {
	flags := pflag.NewFlagSet("curl", pflag.ContinueOnError)
	method, header, data := flags.String("request", "GET", ""), flags.String("header", "", ""), flags.String("data-urlencode", "", "")
	for _, name := range []string{"fail", "silent", "show-error"} {
		flags.Bool(name, false, "")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	token, err := os.ReadFile(strings.TrimPrefix(*header, "@"))
	if err != nil || string(token) != "PRIVATE-TOKEN: secret\n" {
		return fmt.Errorf("got the header %q, %w", token, err)
	}
	f, err := readForge(state)
	if err != nil {
		return err
	}
	u, err := url.Parse(flags.Arg(0))
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(u.Path, fmt.Sprintf("/api/v4/projects/3/merge_requests/%d/notes", f.Number))
	switch {
	case u.Path == "/api/v4/user":
		return answer(map[string]int{"id": botID}, "")
	case ok && *method == "GET":
		page, _ := strconv.Atoi(u.Query().Get("page"))
		first := min(100*(page-1), len(f.Comments))
		return answer(f.Comments[first:min(first+100, len(f.Comments))], "")
	case !ok || (*method == "POST") != (path == "") || *method != "POST" && *method != "PUT":
		return fmt.Errorf("404: %s %s", *method, u)
	}
	id, _ := strconv.Atoi(strings.TrimPrefix(path, "/"))
	body, err := fromFile(*data)
	if err != nil {
		return err
	}
	if err := f.put(id, body); err != nil {
		return err
	}
	return f.write(state)
}
