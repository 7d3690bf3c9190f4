using BenchmarkDotNet.Running;
using Lanyard.Bench;

if (args is ["reference", ..])
    return ReferenceComparison.Run(args[1..]);
if (args is ["threads"])
    return ThreadComparison.Run();
BenchmarkSwitcher.FromAssembly(typeof(ReferenceComparison).Assembly).Run(args);
return 0;
