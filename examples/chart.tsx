import { useMemo } from "react";

type Month = { name: string; sales: number };
type Props = { region: string; currency: string; months: Month[] };

const WIDTH = 1080;
const HEIGHT = 360;

export default function SalesChart({ region, currency, months }: Props) {
  const highest = useMemo(() => Math.max(...months.map((month) => month.sales)), [months]);
  const money = new Intl.NumberFormat("en-US", { style: "currency", currency, maximumFractionDigits: 0 });
  const total = months.reduce((sum, month) => sum + month.sales, 0);
  const step = WIDTH / months.length;
  return (
    <main style={{ width: 1200, height: 630, boxSizing: "border-box", padding: 60, fontFamily: "Noto Sans" }}>
      <h1 style={{ margin: 0, fontSize: 44, color: "#1f2a44" }}>{region}</h1>
      <p style={{ margin: "4px 0 32px", fontSize: 26, color: "#5b6785" }}>{money.format(total)} in {months.length} months</p>
      <svg width={WIDTH} height={HEIGHT + 50} fontSize={20} textAnchor="middle" fill="#5b6785">
        {months.map((month, index) => {
          const height = (month.sales / highest) * (HEIGHT - 40);
          const middle = index * step + step / 2;
          return (
            <g key={month.name}>
              <rect x={middle - step * 0.35} y={HEIGHT - height} width={step * 0.7} height={height} rx={8}
                fill={month.sales === highest ? "#e4572e" : "#3b6ea8"} />
              <text x={middle} y={HEIGHT - height - 12}>{money.format(month.sales)}</text>
              <text x={middle} y={HEIGHT + 36}>{month.name}</text>
            </g>
          );
        })}
        <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke="#5b6785" />
      </svg>
    </main>
  );
}
