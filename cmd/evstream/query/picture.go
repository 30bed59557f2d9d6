package main

import (
	"bytes"
	"image/color"
	"strings"
	"time"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	pictureWidth  vg.Length = 660 // points, as all lengths here
	pictureHeight vg.Length = 400
	margin        vg.Length = 14
	lineGap       vg.Length = 5
	pictureDPI              = 144 // of PNG: sharp on dense screens
	fewest                  = 8   // bars that there is always room for
)

var (
	ink   = color.Gray{0x26}
	faint = color.Gray{0x66}
	grid  = color.Gray{0xe4}
)

// palette holds the series' colours: distinct also to the colour-blind, and the
// last for what is left over.
func palette(n int) []color.Color {
	colors := []color.Color{
		color.RGBA{0x33, 0x66, 0x99, 0xff},
		color.RGBA{0xe6, 0x9f, 0x00, 0xff},
		color.RGBA{0x56, 0xb4, 0xe9, 0xff},
		color.RGBA{0x00, 0x9e, 0x73, 0xff},
		color.RGBA{0xcc, 0x79, 0xa7, 0xff},
		color.RGBA{0xd5, 0x5e, 0x00, 0xff},
		color.RGBA{0x99, 0x99, 0x99, 0xff},
	}
	return colors[:n]
}

// drawPicture draws the figure as svg or png.
func drawPicture(f figure, format string) ([]byte, error) {
	var out bytes.Buffer
	if format == "png" {
		c := vgimg.NewWith(vgimg.UseWH(pictureWidth, pictureHeight), vgimg.UseDPI(pictureDPI))
		drawFigure(f, draw.New(c))
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&out)
		return out.Bytes(), err
	}

	c := vgsvg.New(pictureWidth, pictureHeight)
	drawFigure(f, draw.New(c))
	if _, err := c.WriteTo(&out); err != nil {
		return nil, err
	}
	// The letters are not part of the file. Arial and Helvetica are as wide as the
	// font that the labels were measured in.
	return bytes.ReplaceAll(out.Bytes(),
		[]byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}

// drawFigure draws the title, the legend, the panels and the notes from top to
// bottom.
func drawFigure(f figure, c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)

	bold := letters(13, ink)
	bold.Font.Weight = xfont.WeightBold
	top := writeLine(c, c.Max.Y, bold, f.title) - lineGap
	if len(f.names) > 1 {
		top = drawLegend(f, c, top) - lineGap
	}

	bottom := c.Min.Y
	small := letters(8.5, faint)
	for i := len(f.notes) - 1; i >= 0; i-- {
		bottom += small.Height(f.notes[i])
		writeLine(c, bottom, small, f.notes[i])
	}
	if len(f.notes) > 0 {
		bottom += lineGap
	}

	var plots [][]*plot.Plot
	for i := range f.panels {
		plots = append(plots, []*plot.Plot{newPlot(f, i)})
	}
	heading := letters(10, ink)
	above := heading.Height("Mg") + 2*lineGap
	tiles := draw.Tiles{Rows: len(plots), Cols: 1, PadTop: above, PadY: above}
	area := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: c.Min.X, Y: bottom}, Max: vg.Point{X: c.Max.X, Y: top},
	}}
	for i, row := range plot.Align(plots, tiles, area) {
		plots[i][0].Draw(row[0])
		writeLine(c, row[0].Max.Y+above-lineGap, heading, f.panels[i].title())
	}
}

// writeLine writes a line below top and returns the bottom of it.
func writeLine(c draw.Canvas, top vg.Length, style text.Style, line string) vg.Length {
	style.YAlign = draw.YTop
	c.FillText(style, vg.Point{X: c.Min.X, Y: top}, line)
	return top - style.Height(line)
}

// drawLegend writes the names in rows, each behind its colour, and returns the
// bottom of the last row.
func drawLegend(f figure, c draw.Canvas, top vg.Length) vg.Length {
	const box, gap = vg.Length(9), vg.Length(14)
	style := letters(9.5, ink)
	height := style.Height("Mg") + 3
	x := c.Min.X
	style.YAlign = draw.YCenter
	middle := func() vg.Length { return top - height/2 }

	heading := style
	heading.Color = faint
	c.FillText(heading, vg.Point{X: x, Y: middle()}, f.legend)
	x += heading.Width(f.legend) + gap
	left := x
	colors := palette(len(f.names))
	for i, name := range f.names {
		width := box + 4 + style.Width(name)
		if x+width > c.Max.X {
			x, top = left, top-height
		}
		c.SetColor(colors[i])
		c.Fill(vg.Rectangle{
			Min: vg.Point{X: x, Y: middle() - box/2}, Max: vg.Point{X: x + box, Y: middle() + box/2},
		}.Path())
		c.FillText(style, vg.Point{X: x + box + 4, Y: middle()}, name)
		x += width + gap
	}
	return top - height
}

// newPlot makes one panel. Only the lowest names the times.
func newPlot(f figure, i int) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	lowest := i == len(f.panels)-1
	first, end := f.span()
	if few := first.Add(fewest * f.step); end.Before(few) {
		end = few // so that bars are not as wide as the picture
	}

	p.X.Tick.Label, p.Y.Tick.Label = letters(9.5, ink), letters(9.5, ink)
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.X.Label.TextStyle = letters(10, ink)
	p.X.Label.TextStyle.XAlign, p.X.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
	p.X.Label.Padding = lineGap
	p.X.LineStyle.Color, p.X.Tick.LineStyle.Color = faint, faint
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.X.Padding, p.Y.Padding = 0, 2

	var times plot.ConstantTicks
	for _, t := range timeTicks(first, end, f.zone, 9) {
		switch {
		case !lowest:
			t.label = "" // a mark, but no words
		case !strings.Contains(t.label, "\n"):
			t.label += "\n " // as high as those with a date
		}
		times = append(times, plot.Tick{Value: seconds(first, t.at), Label: t.label})
	}
	values := valueTicks(f.panels[i].peak(f.step > 0), 5)
	var labels plot.ConstantTicks
	for _, v := range values {
		labels = append(labels, plot.Tick{Value: v, Label: valueLabel(v)})
	}

	lines := plotter.NewGrid()
	lines.Vertical.Width = 0
	lines.Horizontal.Color, lines.Horizontal.Width = grid, 0.5
	p.Add(lines)
	if f.step > 0 {
		p.Add(stack{f, i})
	} else {
		p.Add(lineOf(f, i)...)
	}

	if lowest {
		p.X.Label.Text = f.axisTitle()
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = times, labels
	p.X.Min, p.X.Max = 0, max(seconds(first, end), 1)
	p.Y.Min, p.Y.Max = 0, values[len(values)-1]
	return p
}

// lineOf returns the lines of a panel, the points marked while they are few.
func lineOf(f figure, i int) []plot.Plotter {
	first, _ := f.span()
	var lines []plot.Plotter
	for n, series := range f.panels[i].series {
		var points plotter.XYs
		for _, pt := range series {
			points = append(points, plotter.XY{X: seconds(first, pt.at), Y: pt.value})
		}
		line := &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: palette(n + 1)[n], Width: 1.5}}
		lines = append(lines, line)
		if len(points) <= 100 {
			lines = append(lines, &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{
				Color: palette(n + 1)[n], Radius: 2.2, Shape: draw.CircleGlyph{},
			}})
		}
	}
	return lines
}

// stack is a plotter of bars on top of each other.
type stack struct {
	figure figure
	panel  int
}

func (s stack) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	first, _ := s.figure.span()
	width := x(s.figure.step.Seconds()) - x(0)
	gap := min(width*0.15, 2)
	colors := palette(len(s.figure.names))
	base := make(map[float64]float64)
	for i, series := range s.figure.panels[s.panel].series {
		c.SetColor(colors[i])
		for _, pt := range series {
			at := seconds(first, pt.at)
			from := base[at]
			base[at] += pt.value
			c.Fill(vg.Rectangle{
				Min: vg.Point{X: x(at) + gap/2, Y: y(from)},
				Max: vg.Point{X: x(at) + width - gap/2, Y: y(base[at])},
			}.Path())
		}
	}
}

// seconds is a time's place on the axis.
func seconds(first, at time.Time) float64 { return at.Sub(first).Seconds() }

func letters(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plot.DefaultTextHandler,
	}
}
