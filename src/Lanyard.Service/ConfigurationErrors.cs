using System.Globalization;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>What is wrong in a <c>local.conf</c>: each with its key, what is expected there, and what is found.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class ConfigurationErrors(string path)
{
    private const int MaxShownLength = 100;

    // Whoever gave a list where an object belongs has made one mistake, not thousands.
    private const int MaxTold = 32;

    private readonly List<string> _errors = [];

    /// <summary>How many there are.</summary>
    public int Count => _errors.Count;

    /// <summary>Notes one.</summary>
    /// <param name="key">The key, with those that it is in.</param>
    /// <param name="what">What is wrong with it, such as <c>is not an object</c>.</param>
    /// <param name="found">What is there; not given where it is secret, or not what is wrong.</param>
    public void Add(string key, string what, JsonElement? found = null)
    {
        _errors.Add(found is { } value ? $"\"{key}\" {what}, but {Show(value)}" : $"\"{key}\" {what}");
    }

    /// <summary>As <see cref="Add"/>, of the only one.</summary>
    public LanyardStateException Of(string key, string what, JsonElement? found = null)
    {
        Add(key, what, found);
        return All();
    }

    /// <summary>Throws all of them in one, where there is one.</summary>
    /// <exception cref="LanyardStateException">There is one.</exception>
    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
            throw All();
    }

    /// <summary>A text; null where it is none, which is noted.</summary>
    public string? Text(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        Add(key, "is not a text", value);
        return null;
    }

    /// <summary>A network's ID; null where it is none, which is noted.</summary>
    public NetworkId? Network(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && NetworkId.TryParse(value.GetString(), out var network))
            return network;
        Add(key, "is not a network's ID, sixteen hexadecimal digits", value);
        return null;
    }

    // What is inside of an object is not said: it may be a password.
    private static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String when value.GetRawText().Contains('@', StringComparison.Ordinal) => "a text with an @, which may hold a password",
        _ when value.GetRawText() is { Length: > MaxShownLength } text => $"{text[..MaxShownLength]}...",
        _ => value.GetRawText(),
    };

    private LanyardStateException All()
    {
        var more = _errors.Count > MaxTold ? string.Create(CultureInfo.InvariantCulture, $"; and {_errors.Count - MaxTold} more") : "";
        return new LanyardStateException(path, $"In the file '{path}', {string.Join("; ", _errors.Take(MaxTold))}{more}.");
    }
}
