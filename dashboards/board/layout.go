package board

import (
	"loadlab/dashboards/model"
)

// columns is the width of Grafana's grid.
const columns = 24

// layout places panels from left to right and from top to bottom, and numbers them.
type layout struct {
	panels      []model.Panel
	x, y, h, id int // where the next panel goes, and how high the line is
}

// add places a panel of a width and a height: in the line if it fits there, else below it.
func (l *layout) add(w, h int, p model.Panel) {
	if l.x+w > columns {
		l.wrap()
	}
	l.id++
	p.ID, p.GridPos = l.id, model.GridPos{X: l.x, Y: l.y, W: w, H: h}
	l.panels = append(l.panels, p)
	l.x, l.h = l.x+w, max(l.h, h)
}

// row begins a section with a heading.
func (l *layout) row(title string) {
	l.wrap()
	open := false
	l.add(columns, 1, model.Panel{Type: model.TypeRow, Title: title, Collapsed: &open})
	l.wrap()
}

func (l *layout) wrap() { l.x, l.y, l.h = 0, l.y+l.h, 0 }
