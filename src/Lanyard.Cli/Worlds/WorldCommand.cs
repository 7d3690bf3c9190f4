using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lanyard.Cli.Identities;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Cli.Worlds;

/// <summary>
/// <c>new</c> of planets and moons. The roots and keys of a world are in a definition file, the JSON that the protocol's own tools write and
/// read. If the definition exists, the world is a new edition of it.
/// </summary>
internal sealed class WorldCommand
{
    /// <summary>The maximum integer that every JSON reader accepts.</summary>
    private const ulong MaxPlanetId = 1UL << 53;

    private readonly WorldType _type;
    private readonly string _noun;

    private readonly Option<string[]> _roots = new("--root")
    {
        Description = "Identity of a root: a file or the identity itself. The endpoints after it belong to this root. Up to four.",
        HelpName = "IDENTITY",
    };

    private readonly Option<string[]> _endpoints = new("--endpoint")
    {
        Description = "Endpoint of the preceding root, such as 192.0.2.1/9993. Up to 32.",
        HelpName = "IP/PORT",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _out = new("--out") { HelpName = "FILE" };

    private readonly Option<string?> _definition = new("--definition")
    {
        Description = "File for the roots and the secret signing key, needed to sign new editions; keep it secret (default: the name of the output file, with .json).",
        HelpName = "FILE",
    };

    private readonly Option<long?> _timestamp = new("--timestamp")
    {
        Description = "Edition, in milliseconds since 1970. Nodes replace an edition by a later one (default: now).",
        HelpName = "MS",
    };

    private WorldCommand(WorldType type)
    {
        _type = type;
        _noun = type == WorldType.Planet ? "planet" : "moon";
        _out.Description = type == WorldType.Planet
            ? "Planet file. Copy it into each node's folder as 'planet'."
            : "Moon file. Copy it into each root's folder as 'moons.d/ID.moon'; other nodes orbit the moon (default: ID.moon in the current folder).";
    }

    /// <summary>Creates the command.</summary>
    public static Command Create(WorldType type)
    {
        var world = new WorldCommand(type);
        var command = new CliCommand(
            "new", $"Create a {world._noun}, or a new edition of one",
            $"If the definition exists, the {world._noun} is a new edition of it. Roots on the command line replace the roots of the definition.",
            type == WorldType.Planet ? "lanyard planet new --root root/identity.secret --endpoint 192.0.2.1/9993 --out planet" : "lanyard moon new --root root/identity.secret --endpoint 192.0.2.1/9993")
        {
            world._roots,
            world._endpoints,
            world._out,
            world._definition,
            world._timestamp,
        };
        if (type == WorldType.Planet)
            world._out.Required = true;
        command.SetAction(world.Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        var roots = ReadRoots(result);
        var definitionFile = result.GetValue(_definition) ?? (result.GetValue(_out) is { } given ? given + ".json" : null);
        var known = definitionFile is not null && File.Exists(definitionFile) ? Load(definitionFile) : null;
        if (known is null && roots.Count == 0)
            throw new CommandException(ExitCode.Usage, $"A {_noun} needs at least one root. Add --root IDENTITY --endpoint IP/PORT, or a --definition with roots.");
        using var definition = Define(known, roots);
        var outFile = result.GetValue(_out) ?? definition.Id.ToString("x16", CultureInfo.InvariantCulture) + ".moon";
        definitionFile ??= outFile + ".json";
        // Without the existing world's key, nodes would not accept the new world as its next edition.
        if (known is null)
        {
            Files.RequireNone(outFile);
            Files.RequireNone(definitionFile);
        }

        var world = Sign(definition, result.GetValue(_timestamp) ?? NextTimestamp(outFile));
        if (known is null)
            Files.Create(definitionFile, Encoding.UTF8.GetBytes(definition.ToJson() + "\n"), secret: true);
        else if (roots.Count > 0)
            Files.Replace(definitionFile, Encoding.UTF8.GetBytes(definition.ToJson() + "\n"));
        Files.Write(outFile, world.ToArray());
        result.InvocationConfiguration.Output.WriteLine(outFile);
        result.InvocationConfiguration.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The {_noun} {definition.Id:x16}, edition {world.Timestamp}, with {world.Roots.Count} root(s). Its definition, with the secret key, is '{definitionFile}'."));
        return ExitCode.Ok;
    }

    /// <summary>Returns an edition after the existing one, even if the clock is wrong.</summary>
    private static long NextTimestamp(string outFile)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return File.Exists(outFile) && World.TryParse(Files.ReadBytes(outFile), out var old) ? Math.Max(now, old.Timestamp + 1) : now;
    }

    private World Sign(WorldDefinition definition, long timestamp)
    {
        try
        {
            return definition.Sign(timestamp);
        }
        catch (ArgumentException tooMany)
        {
            throw new CommandException(ExitCode.Usage, $"Cannot create this {_noun}: {tooMany.Message}");
        }
    }

    private WorldDefinition Define(WorldDefinition? known, List<WorldRoot> roots)
    {
        if (known is null && _type == WorldType.Moon)
            return With(WorldDefinition.CreateMoon(roots[0].Identity, RandomNumberGenerator.Fill), roots);
        if (known is not null)
            return roots.Count == 0 ? known : With(known, roots);
        var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        return new WorldDefinition
        {
            Type = WorldType.Planet,
            Id = 1 + (BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) % MaxPlanetId),
            SigningKey = key,
            UpdateKey = EquatableArray.Create(key.PublicKey),
            Roots = roots.ToEquatableArray(),
        };
    }

    private static WorldDefinition With(WorldDefinition definition, List<WorldRoot> roots) => new()
    {
        Type = definition.Type,
        Id = definition.Id,
        SigningKey = definition.SigningKey,
        UpdateKey = definition.UpdateKey,
        Roots = roots.ToEquatableArray(),
    };

    private WorldDefinition Load(string file)
    {
        if (!WorldDefinition.TryParse(Files.ReadText(file), out var definition, out var error))
            throw new CommandException(ExitCode.Failed, $"'{file}' is not the definition of a {_noun}: {error}");
        return definition.Type == _type ? definition : throw new CommandException(ExitCode.Failed, $"'{file}' does not define a {_noun}.");
    }

    /// <summary>Reads the roots. An endpoint belongs to the root that precedes it on the command line.</summary>
    private List<WorldRoot> ReadRoots(ParseResult result)
    {
        var roots = new List<WorldRoot>();
        var option = "";
        foreach (var token in result.Tokens)
        {
            if (token.Type == TokenType.Option)
            {
                option = token.Value;
            }
            else if (option == _roots.Name)
            {
                roots.Add(new WorldRoot(IdentityCommand.Read(token.Value).WithoutSecret(), []));
            }
            else if (option == _endpoints.Name)
            {
                if (roots.Count == 0)
                    throw new CommandException(ExitCode.Usage, $"The endpoint {token.Value} belongs to no root. Put --root IDENTITY before it.");
                if (!InetEndpoint.TryParse(token.Value, out var endpoint))
                    throw new CommandException(ExitCode.Usage, $"'{token.Value}' is not an endpoint such as 192.0.2.1/9993.");
                roots[^1] = roots[^1] with { Endpoints = [.. roots[^1].Endpoints, endpoint] };
            }
        }

        return roots;
    }
}
