using System.CommandLine;
using Lanyard.Cli.App;
using Lanyard.Intercept;
using Lanyard.Intercept.Programs;
using Lanyard.Intercept.Supervision;

namespace Lanyard.Cli.Run;

/// <summary><c>lanyard run</c>: runs an unmodified program with its sockets on virtual networks.</summary>
internal static class RunCommand
{
    /// <summary>The name of the command.</summary>
    public const string Name = "run";

    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        home.Description = "State folder of the service. If no service runs on it, this command runs a node on that folder until the program ends.";
        var service = new Option<string?>("--socket")
        {
            Description = $"Local socket of the service, if it is not in the state folder (default: the socket in the state folder or, without --home, {ServiceSocket.OfSystem}).",
            HelpName = "PATH",
        };
        var network = Parse.OptionalNetworkOption("The only network that the program may use (default: all networks that the service has joined).");
        var isolate = new Option<bool>("--isolate") { Description = "Restrict the program to virtual networks and loopback addresses." };
        var outside = new Option<bool>("--allow-outside")
        {
            Description = "Start programs that cannot be redirected, such as static ones started by a preloaded program, on the system's network (default: refuse to start them).",
        };
        var listen = new Option<string>("--listen")
        {
            Description = "Where to open ports that the program binds to the wildcard address: virtual, host or both.",
            DefaultValueFactory = _ => "virtual",
        };
        listen.AcceptOnlyFromAmong("virtual", "host", "both");
        var engine = new Option<string>("--engine")
        {
            Description = "How to redirect sockets: preload a library (preload), intercept system calls (supervise; slower, also for static and Go programs), or choose by the program (auto).",
            DefaultValueFactory = _ => "auto",
        };
        engine.AcceptOnlyFromAmong("auto", "preload", "supervise");
        var planet = AppOptions.PlanetOption();
        var log = LogOutput.LevelOption();
        var program = new Argument<string[]>("program") { Description = "Program and its arguments, after --.", Arity = ArgumentArity.OneOrMore };
        var command = new CliCommand(
            Name, "Run an unmodified program with its sockets on the LAN (Linux)",
            examples: "lanyard run --network 8056c2e21c000001 -- curl http://10.1.0.2/\nlanyard run --home a -- nginx -c nginx.conf")
        {
            home,
            service,
            network,
            isolate,
            outside,
            listen,
            engine,
            planet,
            log,
            program,
        };
        command.SetAction(async (result, cancellation) =>
        {
            if (!OperatingSystem.IsLinux())
                throw new CommandException(ExitCode.Failed, "Redirecting programs' sockets needs Linux. Use 'lanyard proxy' or 'lanyard forward'.");
            var library = ProgramStart.LibraryPath;
            var words = result.GetRequiredValue(program);
            var chosen = Choose(result.GetRequiredValue(engine), words[0], File.Exists(library));
            if (chosen == RedirectEngine.Preload && !File.Exists(library))
                throw new CommandException(ExitCode.Failed, $"{library} is missing because Lanyard was built without a C compiler. Install gcc or clang and build again, or use '--engine supervise'.");
            var folder = result.GetRequiredValue(home);
            var only = result.GetValue(network);
            var isHomeGiven = result.GetResult(home) is { Implicit: false };
            var socket = ServiceSocket.Find(result.GetValue(service), folder, isHomeGiven);
            var sees = new ProgramOptions
            {
                SocketPath = socket,
                Network = only,
                IsIsolated = result.GetValue(isolate),
                AllowsOutside = result.GetValue(outside),
                Listening = Enum.Parse<ListenPlace>(result.GetRequiredValue(listen), ignoreCase: true),
            };
            if (sees is { IsIsolated: true, AllowsOutside: true })
                throw new CommandException(ExitCode.Usage, "--isolate and --allow-outside exclude each other. Use only one of them.");
            if (chosen == RedirectEngine.Preload && !sees.AllowsOutside)
                ProgramEngine.ThrowIfNotPreloaded(words[0]);
            ProgramStart Preloaded() => new(words, sees);
            var supervised = new SupervisedStart(words, RunSupervisedCommand.Words, sees);
            using var interrupts = new ProgramInterrupts(cancellation);
            if (InterceptServer.IsServed(socket))
                return chosen == RedirectEngine.Supervise ? await supervised.RunAsync(interrupts) : throw Preloaded().Become();
            ServiceSocket.ThrowIfThere(socket, isNeeded: result.GetValue(service) is not null);
            if (only is not { } id)
                throw new CommandException(ExitCode.Usage, $"No service runs on '{folder}'. Start one ('lanyard service --home {folder}'), or choose a network for the program with --network.");
            var error = result.InvocationConfiguration.Error;
            using var loggers = LogOutput.Create(result.GetValue(log), error);
            var options = AppNode.Configure(folder, error) with { Planet = AppOptions.ReadPlanet(result.GetValue(planet)), LoggerFactory = loggers };
            await using var app = await AppNode.StartAsync(options, id, waitForAuthorization: false, TextWriter.Null, capture: null, interrupts.Token);
            await using var server = InterceptServer.Start(app.Node, new InterceptOptions { SocketPath = socket }, loggers);
            return await (chosen == RedirectEngine.Supervise ? supervised.RunAsync(interrupts) : Preloaded().RunAsync(interrupts));
        });
        return command;
    }

    private static RedirectEngine Choose(string engine, string program, bool hasLibrary) => engine switch
    {
        "preload" => RedirectEngine.Preload,
        "supervise" => RedirectEngine.Supervise,
        _ => hasLibrary ? ProgramEngine.Choose(program) : RedirectEngine.Supervise,
    };
}
