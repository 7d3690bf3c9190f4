using BenchmarkDotNet.Running;
using Lanyard.Bench;

if (args is ["reference", ..])
    return ReferenceComparison.Run(args[1..]);
BenchmarkSwitcher.FromAssembly(typeof(ReferenceComparison).Assembly).Run(args);
return 0;
