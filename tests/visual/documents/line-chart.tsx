import * as React from "react";

type Series = { name: string; colour: string; values: number[] };
const Size = React.createContext({ width: 440, height: 230 });

function Line({ series, most }: { series: Series; most: number }): JSX.Element {
  const { width, height } = React.useContext(Size);
  const points = series.values.map((value, i) => [(i / (series.values.length - 1)) * width, height - (value / most) * height] as const);
  const path = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  return (
    <g>
      <path d={`${path}L${width} ${height}L0 ${height}Z`} fill={series.colour} opacity={0.15} />
      <path d={path} fill="none" stroke={series.colour} strokeWidth={3} strokeLinejoin="round" />
      {points.map(([x, y], i) => <circle key={i} cx={x} cy={y} r={4} fill="#fff" stroke={series.colour} strokeWidth={2} />)}
    </g>
  );
}

export default function Chart({ series }: { series: Series[] }) {
  const box = React.useRef<SVGSVGElement>(null);
  const [shown, setShown] = React.useState(0);
  const most = Math.max(...series.flatMap((each) => each.values)) * 1.1;
  React.useLayoutEffect(() => setShown(box.current?.querySelectorAll("circle").length ?? 0), []);
  return (
    <Size.Provider value={{ width: 440, height: 230 }}>
      <svg ref={box} width={480} height={300} viewBox="-20 -40 480 300" style={{ fontFamily: "Sans", fontSize: 12, display: "block" }}>
        {[0, 0.25, 0.5, 0.75, 1].map((share) => <line key={share} x2={440} y1={share * 230} y2={share * 230} stroke="#cbd5e1" strokeDasharray="3 4" />)}
        {series.map((each) => <Line key={each.name} series={each} most={most} />)}
        {series.map((each, i) => <text key={each.name} x={i * 100} y={-18} fill={each.colour} fontWeight={700}>{each.name}</text>)}
        <text x={440} y={-18} textAnchor="end" fill="#64748b">{shown} points</text>
      </svg>
    </Size.Provider>
  );
}
