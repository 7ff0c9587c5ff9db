package pagecache_test

import (
	"bytes"
	"slices"
	"testing"

	"loadlab/app/internal/pagecache"
)

func FuzzDecodeList(f *testing.F) {
	f.Add(pagecache.EncodeList(pagecache.List{IDs: []int64{3, -1, 1 << 62}, Head: []byte(`{"results":[`), Tail: []byte("]}")}, "epoch"))
	f.Add(pagecache.EncodeList(pagecache.List{}, ""))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, epoch, err := pagecache.DecodeList(b)
		if err != nil {
			return
		}
		again, epochAgain, err := pagecache.DecodeList(pagecache.EncodeList(l, epoch))
		if err != nil || epochAgain != epoch || !slices.Equal(again.IDs, l.IDs) || !bytes.Equal(again.Head, l.Head) || !bytes.Equal(again.Tail, l.Tail) {
			t.Errorf("%+v in epoch %q comes back as %+v, %q, %v", l, epoch, again, epochAgain, err)
		}
	})
}

// What is cut short is no list, wherever it is cut; but the tail, which goes on to the end, may be shorter.
func TestDecodeListCutShort(t *testing.T) {
	whole := pagecache.EncodeList(pagecache.List{IDs: []int64{1, 2, 300}, Head: []byte("head"), Tail: []byte("tail")}, "epoch")
	for n := range whole {
		l, _, err := pagecache.DecodeList(whole[:n])
		if cut := len(whole) - n; (err == nil) != (cut <= len("tail")) {
			t.Errorf("%d of %d bytes: got %+v, %v", n, len(whole), l, err)
		}
	}
}
