using System.Globalization;
using System.Text;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Reads the section <c>lanyard.intercept</c> of a <c>local.conf</c>.</summary>
/// <param name="errors">Where it is noted what makes no sense.</param>
internal sealed class InterceptSectionReader(ConfigurationErrors errors)
{
    private const string AllOthers = "*";

    // A local socket's address has room for 108 bytes with the NUL at the end (unix(7)), and for 104 on macOS.
    private const int MaxPathBytes = 103;

    private const UnixFileMode SensibleModes = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads it.</summary>
    public InterceptSettings Read(JsonElement section, string key)
    {
        var settings = new InterceptSettings();
        if (LocalConfigurationReader.Find(section, "intercept") is not { } intercept)
            return settings;
        if (intercept.ValueKind != JsonValueKind.Object)
        {
            errors.Add(key, "is not an object", intercept);
            return settings;
        }

        foreach (var field in intercept.EnumerateObject())
        {
            var at = $"{key}.{field.Name}";
            switch (field.Name)
            {
                case "socket" or "mode" or "users" when field.Value.ValueKind == JsonValueKind.Null:
                    break;
                case "socket":
                    settings = settings with { SocketPath = ReadPath(at, field.Value) };
                    break;
                case "mode":
                    settings = settings with { SocketMode = ReadMode(at, field.Value) };
                    break;
                case "users":
                    settings = settings with { Users = ReadUsers(at, field.Value) };
                    break;
                default:
                    errors.Add(at, "is not known: it has socket, mode, users");
                    break;
            }
        }

        return settings;
    }

    private string? ReadPath(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } path && Path.IsPathFullyQualified(path) && !Path.EndsInDirectorySeparator(path)
            && !path.Contains('\0', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(path) <= MaxPathBytes)
            return path;
        errors.Add(key, string.Create(CultureInfo.InvariantCulture, $"is not an absolute path of at most {MaxPathBytes} bytes such as /run/lanyard/intercept.sock"), value);
        return null;
    }

    private UnixFileMode? ReadMode(string key, JsonElement value)
    {
        const string Expected = "is not a text of octal digits such as \"0660\", the permissions to read and write of owner, group and others";
        var mode = 0;
        var digits = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (digits.Length is < 3 or > 4 || digits.AsSpan().ContainsAnyExceptInRange('0', '7'))
        {
            errors.Add(key, Expected, value);
            return null;
        }

        foreach (var digit in digits)
            mode = (mode << 3) | (digit - '0');
        if (((UnixFileMode)mode & ~SensibleModes) == 0)
            return (UnixFileMode)mode;
        errors.Add(key, "has more than permissions to read and write, which are all that a socket knows: at most \"0666\" is expected", value);
        return null;
    }

    private InterceptUsers ReadUsers(string key, JsonElement value)
    {
        var users = new Dictionary<uint, IReadOnlySet<NetworkId>?>();
        IReadOnlySet<NetworkId>? others = new HashSet<NetworkId>();
        var hasOthers = false;
        if (value.ValueKind != JsonValueKind.Object)
        {
            errors.Add(key, "is not an object of users and their networks", value);
            return InterceptUsers.Anyone;
        }

        foreach (var entry in value.EnumerateObject())
        {
            var at = $"{key}.{entry.Name}";
            var networks = ReadNetworks(at, entry.Value);
            if (entry.Name == AllOthers)
            {
                if (hasOthers)
                    errors.Add(at, "is there twice");
                hasOthers = true;
                others = networks;
            }
            else if (ReadUser(at, entry.Name) is { } user && !users.TryAdd(user, networks))
                errors.Add(at, string.Create(CultureInfo.InvariantCulture, $"is there twice: it is user {user}, as another is"));
        }

        return new InterceptUsers(users, others);
    }

    // All digits are a number, as no account's name is.
    private uint? ReadUser(string key, string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var user) ? user != uint.MaxValue : SystemAccounts.TryFind(name, out user))
            return user;
        errors.Add(key, SystemAccounts.AreKnown
            ? "is not a user: an account that this system knows, a user's number, or * for all others, is expected"
            : "is not a user: a user's number, or * for all others, is expected, as accounts' names are not looked up on this system");
        return null;
    }

    private HashSet<NetworkId>? ReadNetworks(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.ValueEquals("all"u8))
            return null;
        var networks = new HashSet<NetworkId>();
        if (value.ValueKind != JsonValueKind.Array)
        {
            errors.Add(key, "is not \"all\" or an array of networks' IDs", value);
            return networks;
        }

        foreach (var item in value.EnumerateArray())
        {
            if (errors.Network(key, item) is { } network)
                networks.Add(network);
        }

        return networks;
    }
}
