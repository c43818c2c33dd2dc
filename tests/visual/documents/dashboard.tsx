import { useEffect, useMemo, useReducer, useState } from "react";

type Point = { month: string; sold: number };
interface Props { title: string; points: Point[]; goal?: number }

function Tile({ label, value, children }: { label: string; value: string; children?: React.ReactNode }) {
  return <div className="tile"><span>{label}</span><b>{value}</b>{children}</div>;
}

export default function Dashboard({ title, points, goal = 100 }: Props) {
  const total = useMemo(() => points.reduce((sum, point) => sum + point.sold, 0), [points]);
  const [best, setBest] = useState<Point | null>(null);
  const [steps, next] = useReducer((count: number) => count + 1, 0);
  useEffect(() => setBest([...points].sort((a, b) => b.sold - a.sold)[0]), [points]);
  useEffect(() => { if (steps < 3) next(); }, [steps]);
  return (
    <main>
      <h1>{title}</h1>
      <section>
        <Tile label="Total" value={total.toLocaleString()} />
        <Tile label="Best month" value={best?.month ?? "?"}><i>{best?.sold}</i></Tile>
        <Tile label="Goal" value={`${Math.round((total / goal) * 100)} %`} />
        <Tile label="Steps" value={String(steps)} />
      </section>
      <div className="bars">
        {points.map((point) => (
          <div key={point.month} style={{ height: point.sold / 2, background: point === best ? "#db2777" : "#94a3b8" }}><em>{point.month}</em></div>
        ))}
      </div>
    </main>
  );
}
