using Lanyard.Cli;

return LanyardCommand.Run(args, Console.Out, Console.Error);
