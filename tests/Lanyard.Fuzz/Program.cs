using Lanyard.Fuzz;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// Without a command of its own it is an ordinary test program. eng/fuzz calls the commands.
if (args is ["--fuzz", .. var command])
    return FuzzCommands.Run(command);
return Array.Exists(args, argument => argument is "--server" or "--internal-msbuild-node")
    ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await ConsoleRunner.Run(args);
