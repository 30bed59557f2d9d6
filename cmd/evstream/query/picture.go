package query

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"example.com/evstream/internal/number"
)

const (
	pictureWidth  = 660.0 // points, as all lengths here
	pictureHeight = 400.0
	pictureScale  = 2 // pixels of a PNG for each point: sharp on dense screens
	margin        = 14.0
	lineGap       = 5.0
	fewest        = 8 // bars that there is always room for
	normalSize    = 9.5
)

var (
	ink   = color.RGBA{0x26, 0x26, 0x26, 0xff}
	faint = color.RGBA{0x66, 0x66, 0x66, 0xff}
	grid  = color.RGBA{0xe4, 0xe4, 0xe4, 0xff}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}

	// palette holds the series' colours: distinct also to the colour-blind, and the
	// last for what is left over.
	palette = [zonesDrawn + 1]color.RGBA{
		{0x33, 0x66, 0x99, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x9e, 0x73, 0xff},
		{0xcc, 0x79, 0xa7, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x99, 0x99, 0x99, 0xff},
	}
)

// canvas is what a picture is drawn on, with the origin at the top left.
type canvas interface {
	fill(c color.RGBA, shapes []shape)
	write(x, baseline float64, l letters, text string)
	encode() ([]byte, error)
}

// shape is a polygon.
type shape [][2]float64

func rectangle(x, y, width, height float64) shape {
	return shape{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}}
}

// stroke is a straight line of some thickness.
func stroke(x1, y1, x2, y2, thickness float64) shape {
	length := math.Hypot(x2-x1, y2-y1)
	dx, dy := (y1-y2)/length*thickness/2, (x2-x1)/length*thickness/2
	return shape{{x1 + dx, y1 + dy}, {x2 + dx, y2 + dy}, {x2 - dx, y2 - dy}, {x1 - dx, y1 - dy}}
}

// letters is how a text is written.
type letters struct {
	size   float64
	color  color.RGBA
	bold   bool
	anchor float64 // 0 starts at x, 0.5 is centred there, 1 ends there
}

// fonts are the regular and the bold one. They are built in, and can be read.
var fonts = sync.OnceValue(func() (both [2]*opentype.Font) {
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		parsed, err := opentype.Parse(ttf)
		if err != nil {
			panic(err)
		}
		both[i] = parsed
	}
	return both
})

func (l letters) face(scale float64) font.Face {
	typeface := fonts()[0]
	if l.bold {
		typeface = fonts()[1]
	}
	face, err := opentype.NewFace(typeface, &opentype.FaceOptions{Size: l.size * scale, DPI: 72})
	if err != nil {
		panic(err) // it gives none
	}
	return face
}

func (l letters) width(text string) float64 { return float64(font.MeasureString(l.face(1), text)) / 64 }

// svg writes the letters as text. Arial and Helvetica are no wider than the font
// that they are measured in.
type svg struct{ strings.Builder }

func (s *svg) fill(c color.RGBA, shapes []shape) {
	fmt.Fprintf(s, `<path fill="#%02x%02x%02x" d="`, c.R, c.G, c.B)
	for _, sh := range shapes {
		for i, p := range sh {
			fmt.Fprintf(s, "%c%.6g %.6g", "ML"[min(i, 1)], p[0], p[1])
		}
		s.WriteString("Z")
	}
	s.WriteString("\"/>\n")
}

func (s *svg) write(x, baseline float64, l letters, text string) {
	weight := ""
	if l.bold {
		weight = ` font-weight="bold"`
	}
	anchor := [...]string{"start", "middle", "end"}[int(l.anchor*2)]
	fmt.Fprintf(s, `<text x="%.6g" y="%.6g" font-size="%g"%s text-anchor="%s" fill="#%02x%02x%02x">%s</text>`+"\n",
		x, baseline, l.size, weight, anchor, l.color.R, l.color.G, l.color.B, html.EscapeString(text))
}

func (s *svg) encode() ([]byte, error) {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%gpt" height="%gpt" viewBox="0 0 %[1]g %[2]g" font-family="Go,Arial,Helvetica,sans-serif">`+"\n%s</svg>\n",
		pictureWidth, pictureHeight, s.String()), nil
}

// raster draws pixels.
type raster struct{ image *image.RGBA }

func (r *raster) fill(c color.RGBA, shapes []shape) {
	at := func(p [2]float64) (x, y float32) { return float32(p[0] * pictureScale), float32(p[1] * pictureScale) }
	path := vector.NewRasterizer(r.image.Bounds().Dx(), r.image.Bounds().Dy())
	for _, sh := range shapes {
		path.MoveTo(at(sh[0]))
		for _, p := range sh[1:] {
			path.LineTo(at(p))
		}
		path.ClosePath()
	}
	path.Draw(r.image, r.image.Bounds(), image.NewUniform(c), image.Point{})
}

func (r *raster) write(x, baseline float64, l letters, text string) {
	d := font.Drawer{Dst: r.image, Src: image.NewUniform(l.color), Face: l.face(pictureScale)}
	x -= l.anchor * l.width(text)
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(x * pictureScale * 64), Y: fixed.Int26_6(baseline * pictureScale * 64)}
	d.DrawString(text)
}

func (r *raster) encode() ([]byte, error) {
	var out bytes.Buffer
	err := png.Encode(&out, r.image)
	return out.Bytes(), err
}

// drawPicture draws the figure as svg or png.
func drawPicture(f figure, format string) ([]byte, error) {
	var c canvas = &svg{}
	if format == "png" {
		c = &raster{image: image.NewRGBA(image.Rect(0, 0, pictureWidth*pictureScale, pictureHeight*pictureScale))}
	}
	f.draw(c)
	return c.encode()
}

// draw draws the title, the legend, the panels and the notes from top to bottom.
func (f figure) draw(c canvas) {
	c.fill(white, []shape{rectangle(0, 0, pictureWidth, pictureHeight)})
	top := margin + 13
	c.write(margin, top, letters{size: 13, color: ink, bold: true}, f.title)
	top += lineGap
	if len(f.names) > 1 {
		top = f.drawLegend(c, top)
	}

	bottom := pictureHeight - margin
	for i := len(f.notes) - 1; i >= 0; i-- {
		c.write(margin, bottom, letters{size: 8.5, color: faint}, f.notes[i])
		bottom -= 8.5 + 2
	}
	bottom -= lineGap
	c.write(pictureWidth/2, bottom, letters{size: 10, color: ink, anchor: 0.5}, f.axisTitle())
	bottom -= 10 + 2*normalSize + 2*lineGap // with two lines of labels for the times

	left := margin
	for _, p := range f.panels {
		for _, v := range valueTicks(p.peak(), 5) {
			left = max(left, margin+letters{size: normalSize}.width(number.Format(v))+lineGap)
		}
	}
	height := (bottom - top) / float64(len(f.panels))
	for i, p := range f.panels {
		f.drawPanel(c, p, area{left: left, top: top + float64(i)*height, bottom: top + float64(i+1)*height, lowest: i == len(f.panels)-1})
	}
}

// drawLegend writes the names in rows, each behind its colour, and returns the
// bottom of the last row.
func (f figure) drawLegend(c canvas, y float64) float64 {
	const box, gap, row = 9.0, 14.0, 13.0
	l := letters{size: normalSize, color: ink}
	y += normalSize + 2
	c.write(margin, y, letters{size: normalSize, color: faint}, f.legend)
	left := margin + l.width(f.legend) + gap
	x := left
	for i, name := range f.names {
		width := box + 4 + l.width(name)
		if x+width > pictureWidth-margin && x > left {
			x, y = left, y+row
		}
		c.fill(palette[i], []shape{rectangle(x, y-box+1, box, box)})
		c.write(x+box+4, y, l, name)
		x += width + gap
	}
	return y + lineGap
}

// area is where a panel stands. Only the lowest names the times.
type area struct {
	left, top, bottom float64
	lowest            bool
}

// drawPanel draws one panel with its heading, its grid and its axis.
func (f figure) drawPanel(c canvas, p panel, a area) {
	c.write(margin, a.top+10+lineGap, letters{size: 10, color: ink}, p.title())
	top, base := a.top+10+3*lineGap, a.bottom-lineGap
	right := pictureWidth - margin

	values := valueTicks(p.peak(), 5)
	y := func(v float64) float64 { return base - (base-top)*v/values[len(values)-1] }
	for _, v := range values {
		c.fill(grid, []shape{rectangle(a.left, y(v)-0.25, right-a.left, 0.5)})
		c.write(a.left-lineGap, y(v)+normalSize/3, letters{size: normalSize, color: ink, anchor: 1}, number.Format(v))
	}

	first, end := f.span()
	if few := first.Add(fewest * f.step); end.Before(few) {
		end = few // so that bars are not as wide as the picture
	}
	scale := (right - a.left) / max(end.Sub(first).Seconds(), 1)
	x := func(at time.Time) float64 { return a.left + at.Sub(first).Seconds()*scale }
	if f.step > 0 {
		f.drawBars(c, p, x, y, f.step.Seconds()*scale)
	} else {
		f.drawLines(c, p, x, y)
	}

	c.fill(faint, []shape{rectangle(a.left, base-0.25, right-a.left, 0.5)})
	for _, t := range timeTicks(first, end, f.zone, 9) {
		c.fill(faint, []shape{rectangle(x(t.at)-0.25, base, 0.5, 4)})
		if !a.lowest {
			continue
		}
		for i, line := range strings.Split(t.label, "\n") {
			c.write(x(t.at), base+4+float64(i+1)*(normalSize+1), letters{size: normalSize, color: ink, anchor: 0.5}, line)
		}
	}
}

// drawBars draws the series as bars on top of each other.
func (f figure) drawBars(c canvas, p panel, x func(time.Time) float64, y func(float64) float64, width float64) {
	gap := min(width*0.15, 2)
	below := make([]float64, len(f.times))
	for n, series := range p.series {
		var bars []shape
		for i, v := range series {
			if v > 0 {
				bars = append(bars, rectangle(x(f.times[i])+gap/2, y(below[i]+v), width-gap, y(below[i])-y(below[i]+v)))
			}
			below[i] += v
		}
		c.fill(palette[n], bars)
	}
}

// drawLines draws the series as lines, the points marked while they are few.
func (f figure) drawLines(c canvas, p panel, x func(time.Time) float64, y func(float64) float64) {
	for n, series := range p.series {
		var lines, dots []shape
		for i, v := range series {
			if i > 0 && f.times[i].After(f.times[i-1]) {
				lines = append(lines, stroke(x(f.times[i-1]), y(series[i-1]), x(f.times[i]), y(v), 1.5))
			}
			if len(series) <= 100 {
				dots = append(dots, rectangle(x(f.times[i])-2, y(v)-2, 4, 4))
			}
		}
		c.fill(palette[n], lines)
		c.fill(palette[n], dots)
	}
}
