"""Words on the way to a result: stages, notices, and how an error is told."""

from __future__ import annotations

SCREEN_EN = {
    "stage.read": "Reading the data",
    "stage.import": "Loading the sampler",
    "stage.build": "Building the model",
    "stage.compile": "Compiling the model (about half a minute the first time)",
    "stage.sample": "Sampling",
    "stage.extract": "Reading the curves off the draws",
    "stage.hold out": "Forecasting the last weeks from those before",
    "stage.solve": "Solving",
    "stage.play": "Playing quarters",
    "screen.demo": "No budget.yaml here: using the demo project that ships with the package (simulated data).",
    "screen.reused": "Using the fitted model kept in .budget: data, model settings and versions are unchanged.",
    "screen.matches": "The fitted model kept in .budget matches; --again fits anew.",
    "screen.written": "Written: {files}",
    "screen.interrupted": "Interrupted; nothing half-finished was kept.",
    "screen.wrong": "Something went wrong: {error}. Run again with --debug to see where.",
    "screen.no_folder": "Missing argument 'DIR': name a new or empty folder, or ask for --policy or --week.",
    "screen.one_problem": "1 problem:",
    "screen.problems": "{count} problems:",
}

SCREEN_ZH = {
    "stage.read": "读取数据",
    "stage.import": "加载采样器",
    "stage.build": "构建模型",
    "stage.compile": "编译模型（首次约半分钟）",
    "stage.sample": "采样",
    "stage.extract": "从样本中提取回报曲线",
    "stage.hold out": "用更早的数据预测最近几周",
    "stage.solve": "求解",
    "stage.play": "模拟各季度",
    "screen.demo": "当前文件夹没有 budget.yaml：使用随软件附带的演示项目（模拟数据）。",
    "screen.reused": "使用 .budget 中保存的模型：数据、模型设置与版本均未改变。",
    "screen.matches": ".budget 中保存的模型仍然适用；加 --again 可重新拟合。",
    "screen.written": "已写入：{files}",
    "screen.interrupted": "已中断；没有留下未完成的文件。",
    "screen.wrong": "程序出错：{error}。请加 --debug 重新运行以查看位置。",
    "screen.no_folder": "缺少参数 'DIR'：请给出新的或空的文件夹，或使用 --policy 或 --week。",
    "screen.one_problem": "1 个问题：",
    "screen.problems": "{count} 个问题：",
}
