using BenchmarkDotNet.Running;
using Lanyard.Bench;

if (args is ["reference"])
    return ReferenceComparison.Run();
BenchmarkSwitcher.FromAssembly(typeof(ReferenceComparison).Assembly).Run(args);
return 0;
