using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Cli;

/// <summary>Creates arguments and options that commands share, with errors that contain the expected value.</summary>
internal static class Parse
{
    private const int SecondsPerDay = 86_400;

    public static Argument<NetworkId> NetworkArgument() => new("NETWORK")
    {
        Description = "Network ID: sixteen hexadecimal digits.",
        CustomParser = result => Read<NetworkId>(result, NetworkId.TryParse, "a network ID, which is sixteen hexadecimal digits"),
    };

    /// <summary>Creates the option for a network, which may be omitted.</summary>
    public static Option<NetworkId?> OptionalNetworkOption(string description) => new("--network", "-n")
    {
        Description = description,
        HelpName = "ID",
        CustomParser = result => Read<NetworkId>(result, NetworkId.TryParse, "a network ID, which is sixteen hexadecimal digits"),
    };

    /// <summary>Creates the option for a network.</summary>
    /// <param name="required">Whether the option is required.</param>
    public static Option<NetworkId> NetworkOption(bool required = true) => new("--network", "-n")
    {
        Description = required ? "Network ID: sixteen hexadecimal digits." : "Network ID: sixteen hexadecimal digits (default: all networks in the folder).",
        HelpName = "ID",
        Required = required,
        CustomParser = result => Read<NetworkId>(result, NetworkId.TryParse, "a network ID, which is sixteen hexadecimal digits"),
    };

    public static Argument<InetAddress> AddressArgument(string description) => new("IP")
    {
        Description = description,
        CustomParser = result => Read<InetAddress>(result, InetAddress.TryParse, "an IP address"),
    };

    /// <summary>Creates an option for an endpoint on this host: a port of 127.0.0.1, or an address with a port.</summary>
    public static Option<InetEndpoint?> ListenOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "[IP:]PORT",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (InetEndpoint.TryParse(text.Contains(':', StringComparison.Ordinal) ? text : $"127.0.0.1:{text}", out var endpoint))
                return endpoint;
            result.AddError($"'{text}' is not a port, or an address and a port such as 127.0.0.1:1080 or [::1]:1080.");
            return null;
        },
    };

    public static Argument<int> PortArgument(string description) => new("PORT") { Description = description, CustomParser = result => Number(result, 1, ushort.MaxValue) };

    public static Option<int> PortOption(string description) => new("--port", "-p")
    {
        Description = description,
        HelpName = "PORT",
        Required = true,
        CustomParser = result => Number(result, 1, ushort.MaxValue),
    };

    /// <summary>Creates an option for an integer with a default.</summary>
    public static Option<int> NumberOption(string name, string description, int minimum, int maximum, int defaultValue) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => defaultValue,
        CustomParser = result => Number(result, minimum, maximum),
    };

    /// <summary>Creates an option for a number of seconds with optional fraction and a default.</summary>
    public static Option<double> SecondsOption(string name, string description, double defaultValue) => new(name)
    {
        Description = description,
        HelpName = "SECONDS",
        DefaultValueFactory = _ => defaultValue,
        CustomParser = Seconds,
    };

    /// <summary>Returns the value of an option for a number of seconds.</summary>
    public static TimeSpan GetTime(this ParseResult result, Option<double> seconds) => TimeSpan.FromSeconds(result.GetValue(seconds));

    public static Option<bool> JsonOption() => new("--json") { Description = "Print JSON." };

    public static int Number(ArgumentResult result, int minimum, int maximum)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
            return number;
        result.AddError(string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a whole number from {minimum} to {maximum}."));
        return 0;
    }

    private static double Seconds(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= SecondsPerDay)
            return seconds;
        result.AddError($"'{text}' is not a number of seconds up to a day.");
        return default;
    }

    private static T Read<T>(ArgumentResult result, TryParse<T> tryParse, string expected)
        where T : struct
    {
        var text = result.Tokens[0].Value;
        if (tryParse(text, out var value))
            return value;
        result.AddError($"'{text}' is not {expected}.");
        return default;
    }

    private delegate bool TryParse<T>(string? text, out T value);
}
