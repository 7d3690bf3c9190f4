using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>Compares JSON with a recorded answer.</summary>
internal static class JsonShape
{
    /// <summary>
    /// Has the same fields in the same order and of the same types; and the same values, but for some. Arrays whose values are not compared need
    /// not have as many items, but those that there are have the shape of the recorded ones.
    /// </summary>
    /// <param name="expected">The recorded JSON.</param>
    /// <param name="actual">The JSON.</param>
    /// <param name="isValueCompared">Whether the values at a path such as <c>.paths[].address</c> are compared.</param>
    public static void AssertSame(JsonElement expected, JsonElement actual, Func<string, bool> isValueCompared) => Compare("", expected, actual, isValueCompared);

    public static JsonElement Recorded(string recording, string file)
    {
        using var document = JsonDocument.Parse(TestData.Text(recording, "api", file));
        return document.RootElement.Clone();
    }

    private static void Compare(string path, JsonElement expected, JsonElement actual, Func<string, bool> isValueCompared)
    {
        Assert.True(Kind(expected) == Kind(actual), $"{path} is {actual.GetRawText()}, and was recorded as {expected.GetRawText()}");
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                Assert.Equal(expected.EnumerateObject().Select(field => $"{path}.{field.Name}"), actual.EnumerateObject().Select(field => $"{path}.{field.Name}"));
                foreach (var field in expected.EnumerateObject())
                    Compare($"{path}.{field.Name}", field.Value, actual.GetProperty(field.Name), isValueCompared);
                break;
            case JsonValueKind.Array:
                if (isValueCompared(path))
                    Assert.True(expected.GetArrayLength() == actual.GetArrayLength(), $"{path} is {actual.GetRawText()}, and was recorded as {expected.GetRawText()}");
                for (var i = 0; i < actual.GetArrayLength() && expected.GetArrayLength() > 0; i++)
                    Compare($"{path}[]", expected[Math.Min(i, expected.GetArrayLength() - 1)], actual[i], isValueCompared);
                break;
            default:
                if (isValueCompared(path))
                    Assert.True(expected.GetRawText() == actual.GetRawText(), $"{path} is {actual.GetRawText()}, and was recorded as {expected.GetRawText()}");
                break;
        }
    }

    private static string Kind(JsonElement json) => json.ValueKind is JsonValueKind.True or JsonValueKind.False ? "boolean" : json.ValueKind.ToString();
}
